"""MALLM-GAN: the data-generating process as a text that a discriminator trains."""
