"""The server, asked with what people have: clients of other servers, pandas, curl."""
