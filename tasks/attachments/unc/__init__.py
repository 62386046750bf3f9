"""Files on Windows shares, read by SMB under the account of UNC Access, and only where allowed."""
