"""Where frames come from: a device, an address, a video file, a folder of pictures, a bag."""
