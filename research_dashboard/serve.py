"""`research-dashboard`: the web server and a worker together, in one process group."""
