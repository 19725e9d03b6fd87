"""The soak test: thousands of images through an emulator with faults, and a report."""
