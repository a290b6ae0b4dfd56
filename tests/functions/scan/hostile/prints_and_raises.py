print("on my way")
raise LookupError("lost")
