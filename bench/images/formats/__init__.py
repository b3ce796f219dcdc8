"""Image formats: TIFF by tifffile and imagecodecs, the others by Pillow, all checked before they are decoded.

``bench.images.image_file`` is the one door to them.
"""
