"""Output of jobs, asked of the scheduler and looked for until it is there; no worker waits meanwhile."""
