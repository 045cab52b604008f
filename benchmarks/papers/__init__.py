"""The tables and figures of the papers, each by one command, published figures beside ours."""
