"""A run's folder: its journal, its files and the facts about its machine. No pandas."""
