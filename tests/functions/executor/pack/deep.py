DEEP = "below"
