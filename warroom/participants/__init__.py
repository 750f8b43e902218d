"""The automations that take part in incidents. Each joins a room through the client, with a token of its own."""
