"""One file a kind of container: each gives blocks of bytes to the one matcher."""
