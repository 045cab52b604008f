"""The tables of MALLM-GAN (arXiv 2406.10521), published beside ours."""
