"""Local emulators of image services: strict about what they receive, faithful in what they answer."""
