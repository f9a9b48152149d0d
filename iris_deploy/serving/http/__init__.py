"""What is answered over HTTP: routes, access, the description of the API. Flask lives here only."""
