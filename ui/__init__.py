"""The dashboard: an ordinary peer of the plant that draws what it hears and sends what is pressed."""
