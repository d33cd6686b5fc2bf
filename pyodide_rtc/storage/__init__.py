"""What is kept in this browser: the logs of documents."""
