"""What runs leave behind: records, the folder that holds them, and tables of them."""
