"""A reader's pictures: any size and mode, in the order of the networks' classes, and a sentence for what cannot be."""

import numpy as np
import pytest
import torch
from made_pictures import colour, encoded, write_folder
from PIL import Image
from torchvision.models import ResNet18_Weights

from lib.own.pictures import load_images, resized

ZERO, ONE = (0, 0, 0), (1, 1, 1)
PLAIN = resized(6, ZERO, ONE)


@pytest.fixture
def folder(tmp_path):
    """Two pictures of bees and three of ants, and files that are none."""
    files = {
        f"{name}/{number}.png": encoded(colour(10 * number + len(name)))
        for name, count in (("bee", 2), ("ants", 3))
        for number in range(count)
    }
    return write_folder(tmp_path / "own", {**files, "bee/notes.txt": b"", ".cache/x.png": b"", "top.png": b""})


def test_pixels_and_labels_are_those_of_the_files(folder):
    images, labels, classes = load_images(folder, PLAIN)
    assert classes == ["ants", "bee"] and labels.tolist() == [0, 0, 0, 1, 1] and images.dtype == torch.float32
    expected = np.stack([colour(10 * number + size) for size, count in ((4, 3), (3, 2)) for number in range(count)])
    np.testing.assert_allclose(images, expected / 255, atol=1e-6)
    normalised = load_images(folder, resized(6, (0.1, 0.2, 0.3), (2, 4, 8)))[0]
    constants = (np.array(part)[:, None, None] for part in ((0.1, 0.2, 0.3), (2, 4, 8)))
    mean, std = constants
    np.testing.assert_allclose(normalised, (expected / 255 - mean) / std, atol=1e-6)


def test_labels_are_places_in_the_networks_classes(folder):
    labels, classes = load_images(folder, PLAIN, classes=["cat", "bee", "dog", "ants"])[1:]
    assert labels.tolist() == [3, 3, 3, 1, 1] and classes == ["cat", "bee", "dog", "ants"]
    with pytest.raises(ValueError, match="^the folder 'ants' is no class of the networks; near are 'ant'$"):
        load_images(folder, PLAIN, classes=["ant", "bee"])
    with pytest.raises(ValueError, match="^the folder 'ants' is no class of the networks$"):
        load_images(folder, PLAIN, classes=["zzz"])


@pytest.mark.parametrize(
    "width, height, size", [(20, 10, 5), (10, 20, 5), (7, 3, (4, 8)), (3, 7, (8, 4)), (5, 5, (10, 4))]
)
def test_a_picture_fills_the_size_and_is_cut_at_its_centre(width, height, size):
    """A picture that is even but for its right and lower halves: the middle of the result is the edge between them."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, (width + 1) // 2 :, 0] = 255
    pixels[(height + 1) // 2 :, :, 1] = 255
    found = resized(size, ZERO, ONE)(Image.fromarray(pixels))
    rows, columns = (size, size) if isinstance(size, int) else size
    assert found.shape == (3, rows, columns)
    assert found[0, :, 0].max() < 0.3 and found[0, :, -1].min() > 0.7
    assert found[1, 0].max() < 0.3 and found[1, -1].min() > 0.7 and not found[2].any()


def test_grey_networks_get_grey_pictures_and_colour_networks_three_channels(tmp_path):
    grey = colour(1)[0]
    folder = write_folder(tmp_path / "own", {"a/grey.png": encoded(grey), "a/palette.gif": encoded(grey, "GIF")})
    one, three = load_images(folder, resized(6, (0,), (1,)))[0], load_images(folder, PLAIN)[0]
    assert one.shape == (2, 1, 6, 6) and three.shape == (2, 3, 6, 6)
    np.testing.assert_allclose(one[0, 0], grey / 255, atol=1e-6)
    np.testing.assert_allclose(three[0], np.stack([grey] * 3) / 255, atol=1e-6)


def test_the_transform_of_published_weights_does(folder):
    images, _, _ = load_images(folder, ResNet18_Weights.DEFAULT.transforms(), count=2)
    assert images.shape == (2, 3, 224, 224)


def test_a_part_is_balanced_and_the_same_again(folder):
    images, labels, _ = load_images(folder, PLAIN, count=4, seed=3)
    assert sorted(labels.tolist()) == [0, 0, 1, 1]
    assert torch.equal(images, load_images(folder, PLAIN, count=4, seed=3)[0])
    with pytest.raises(ValueError, match="the number of pictures must be from 1 to 5, not 6"):
        load_images(folder, PLAIN, count=6)


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"no picture", r"^bee/x.png cannot be read and transformed \(UnidentifiedImageError: .*\)$"),
        (encoded(colour(1)[0].astype(np.uint16)), r"^bee/x.png .* \(ValueError: its mode I;16 has more than 8 bits a"),
    ],
)
def test_a_picture_that_cannot_be_read_is_named(folder, content, sentence):
    (folder / "bee" / "x.png").write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        load_images(folder, PLAIN)


@pytest.mark.parametrize(
    "spoil, classes, sentence",
    [
        (lambda folder: (folder / "cat").mkdir(), None, "the class folder cat of .* holds no pictures"),
        (
            lambda folder: write_folder(folder / "cat", {"0.heic": b"x", "1.txt": b"x"}),
            None,
            r"the class folder cat of .* holds no pictures; the files of pictures end in \.bmp",
        ),
        (
            lambda folder: write_folder(folder / "bee" / "more", {"0.png": encoded(colour(1))}),
            None,
            "the class folder bee of .* holds folders with files in them, as bee/more/0.png",
        ),
        (lambda folder: None, ["bee", "ants", "cat", "bee"], "the folder 'bee' is ambiguous: several classes"),
    ],
)
def test_no_picture_and_no_class_is_left_out_silently(folder, spoil, classes, sentence):
    spoil(folder)
    with pytest.raises(ValueError, match=sentence):
        load_images(folder, PLAIN, classes=classes)


def test_class_folders_and_pictures_may_be_links(folder, tmp_path):
    (tmp_path / "linked").mkdir()
    for name in ("ants", "bee"):
        (tmp_path / "linked" / name).symlink_to(folder / name, target_is_directory=True)
    assert torch.equal(load_images(tmp_path / "linked", PLAIN)[0], load_images(folder, PLAIN)[0])


def test_what_does_not_fit_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="there is no folder .*nowhere; a folder of pictures"):
        load_images(tmp_path / "nowhere", PLAIN)
    (folder / "bee" / "x.png").write_bytes(encoded(colour(1, 8)))
    with pytest.raises(ValueError, match=r"^bee/x.png became a tensor \[3, 8, 8\], and ants/0.png \[3, 6, 6\]; a"):
        load_images(folder, lambda picture: torch.from_numpy(np.array(picture)).permute(2, 0, 1).float())
    with pytest.raises(ValueError, match=r"^ants/0.png .* \(TypeError: the transform gave a Image and no tensor\)$"):
        load_images(folder, lambda picture: picture)
    for size in (0, "224", (8, 0)):
        with pytest.raises(ValueError, match="size must be a whole number of at least 1"):
            resized(size)
    with pytest.raises(ValueError, match="mean and std must be three numbers each, for colour, or one, for grey, not"):
        resized(6, (0, 0), ONE)
