"""Is everything connected as it should be?"""
