"""What every door shows alike: forms as JSON with stable names, times and words."""
