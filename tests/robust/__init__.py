"""What a killed process, a full disk and a crowd of processes leave behind."""
