x = 0

sum(iter(int, 1))
