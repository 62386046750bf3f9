"""What every benchmark shares: rounds that alternate, figures with their spread, goals, the table."""
