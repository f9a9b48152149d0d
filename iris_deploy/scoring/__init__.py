"""Files of rows to files with answers, in constant memory."""
