"""What a run leaves: files, tables, what tables say, and where it all comes from."""
