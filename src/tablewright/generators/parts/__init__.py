"""What generators share: marginals, leaves, conditions, rounding, neighbours."""
