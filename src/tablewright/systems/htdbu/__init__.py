"""H-TDBU: rules as the skeleton, a local generator as the texture, a feedback loop."""
