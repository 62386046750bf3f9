"""What an administrator sets: options, secrets, rights, history. It knows no notification."""
