TITLE = "daily"
