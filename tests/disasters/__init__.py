"""What happens to people's computers, done to the installed command: kills, full disks, lost folders, wrong clocks."""
