"""Images, and what torchvision's classification presets make of them: writes test/fixtures/images.

    python3 script/goldens/images.py

Needs PyTorch, torchvision and Pillow (Debian 13: python3-torchvision). Seeded: running it again gives the same images.
The images have what tells kernels of resizing apart: smooth slopes, hard edges, thin lines, noise. `expected.npz` holds
uint8 [3, height, width] after Resize and CenterCrop, which the preset applies before it divides by 255.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from torchvision import transforms
from torchvision.transforms import InterpolationMode

folder = Path(__file__).parents[2] / "test/fixtures/images"

# Name, size (width, height), mode, and how it is written.
images = [
    ("wide.png", (75, 50), "RGB", {}),
    ("tall.jpg", (64, 97), "RGB", {"quality": 90}),
    ("large.webp", (320, 241), "RGB", {"quality": 80}),
    ("gray.png", (50, 61), "L", {}),
    ("alpha.png", (60, 60), "RGBA", {}),
    ("palette.png", (48, 52), "P", {}),
]
# Name, resize_size, crop_size, interpolation. The last enlarges all but one of the images, the others make all smaller.
presets = [
    ("bilinear", 32, 28, InterpolationMode.BILINEAR),
    ("bicubic", 40, 33, InterpolationMode.BICUBIC),
    ("large", 68, 61, InterpolationMode.BILINEAR),
]


def picture(size: tuple[int, int], mode: str, random: np.random.Generator) -> Image.Image:
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    slopes = np.stack([255 * x / width, 255 * y / height, 255 * (1 + np.sin(x * y / 90)) / 2], axis=-1)
    noise = random.normal(0, 6, (height, width, 3))
    image = Image.fromarray(np.clip(slopes + noise, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.2, height * 0.2, width * 0.6, height * 0.55), fill=(250, 240, 10))
    draw.rectangle((width * 0.5, height * 0.6, width * 0.9, height * 0.9), fill=(5, 10, 60))
    for i in range(0, width, 6):
        draw.line((i, height * 0.7, i + 9, height), fill=(255, 255, 255))
    if mode == "RGBA":
        image.putalpha(Image.fromarray((255 * x / width).astype(np.uint8)))
    return image.convert(mode)


folder.mkdir(exist_ok=True)
random = np.random.default_rng(4)
expected = {}
for name, size, mode, options in images:
    picture(size, mode, random).save(folder / name, **options)
    # As torchvision.datasets.folder.pil_loader reads it.
    image = Image.open(folder / name).convert("RGB")
    for preset, resize_size, crop_size, interpolation in presets:
        transform = transforms.Compose(
            [
                transforms.Resize(resize_size, interpolation=interpolation, antialias=True),
                transforms.CenterCrop(crop_size),
                transforms.PILToTensor(),
            ]
        )
        expected[f"{preset}/{name}"] = transform(image).numpy()
np.savez_compressed(folder / "expected.npz", **expected)
