"""A file of every format, of every kind of voxel that is converted in a way of its own: small for equality and fuzzing, large for memory.

Each is written by the format's own library, by (path, side): side x side x 40 voxels, or a picture of six times the side.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK
from dicom_files import enhanced, image, save, stack
from PIL import Image
from pydicom import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless


def ramp(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Cheap to make, and neither constant nor noise."""
    return np.resize(np.arange(251 * 7, dtype=np.int64) % 251, int(np.prod(shape))).astype(dtype).reshape(shape)


def nifti(dtype: type, *slope: float) -> Callable[[Path, int], None]:
    def write(path: Path, side: int) -> None:
        made = nib.Nifti1Image(ramp((side, side, 40), dtype), np.diag([1.5, 1.5, 8.0, 1.0]))
        if slope:
            made.header.set_slope_inter(*slope)
        made.to_filename(path)

    return write


def itk(dtype: type, compressed: bool) -> Callable[[Path, int], None]:
    return lambda path, side: SimpleITK.WriteImage(
        SimpleITK.GetImageFromArray(ramp((40, side, side), dtype)), str(path), compressed, compressionLevel=1
    )


def picture(channels: int, mode: str, **how: object) -> Callable[[Path, int], None]:
    def write(path: Path, side: int) -> None:
        shape = (6 * side, 6 * side, channels) if channels > 1 else (6 * side, 6 * side)
        made = ramp(shape, np.uint16 if mode == "I;16" else np.uint8)
        Image.frombytes(mode, shape[1::-1], made.tobytes()).save(path, **how)

    return write


def pages(path: Path, side: int) -> None:
    made = Image.fromarray(ramp((side, side), np.uint8))
    made.save(path, save_all=True, append_images=[made] * 39)


def dicom(dtype: type, syntax: str = "", colours: str = "", **fields: object) -> Callable[[Path, int], None]:
    def write(path: Path, side: int) -> None:
        shape = (6 * side, 6 * side, 3) if colours else (6 * side, 6 * side)
        more = {"SamplesPerPixel": 3, "PhotometricInterpretation": colours, "PlanarConfiguration": 0} if colours else {}
        data = image(ramp(shape, dtype), **more, **fields)
        if syntax:
            data.file_meta = FileMetaDataset()
            data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            data.compress(syntax)
            data.save_as(path, enforce_file_format=True)
        else:
            save(data, path)

    return write


def series(path: Path, side: int) -> None:
    path.mkdir()
    for number, data in enumerate(stack(ramp((40, side, side), np.int16))):
        save(data, path / str(number))


def zipped(path: Path, side: int) -> None:
    nifti(np.int16)(path.with_name("inside.nii"), side)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        # With the date that it has by default: the same file gives the same zip.
        archive.writestr(zipfile.ZipInfo("inside.nii"), path.with_name("inside.nii").read_bytes(), zipfile.ZIP_DEFLATED)
    path.with_name("inside.nii").unlink()


FILES: dict[str, Callable[[Path, int], None]] = {
    "plain.nii": nifti(np.int16),
    "slope.nii": nifti(np.int16, 2.0, 1.0),
    "double.nii": nifti(np.float64),
    "plain.nii.gz": nifti(np.int16),
    "slope.nii.gz": nifti(np.int16, 2.0, 1.0),
    "analyze.hdr": lambda path, side: nib.Spm2AnalyzeImage(ramp((side, side, 40), np.int16), np.eye(4)).to_filename(path),
    **{f"{dtype.__name__}-{'packed' if packed else 'raw'}{ending}": itk(dtype, packed)
       for ending in (".nrrd", ".mha") for dtype in (np.int16, np.float64) for packed in (False, True)},
    "beside.nhdr": itk(np.int16, True),
    "beside.mhd": itk(np.int16, True),
    "grey.png": picture(1, "L", compress_level=1),
    "deep.png": picture(1, "I;16", compress_level=1),
    "rgb.png": picture(3, "RGB", compress_level=1),
    "rgba.png": picture(4, "RGBA", compress_level=1),
    "palette.png": picture(1, "P", compress_level=1),
    "rgb.jpg": picture(3, "RGB"),
    "progressive.jpg": picture(3, "RGB", progressive=True, subsampling=0),
    "cmyk.jpg": picture(4, "CMYK"),
    "rgb.bmp": picture(3, "RGB"),
    "webp.webp": picture(3, "RGB", method=0),
    "rgb.tif": picture(3, "RGB", compression="tiff_deflate"),
    "pages.tiff": pages,
    "ints.npy": lambda path, side: np.save(path, ramp((side, side, 40), np.int16)),
    "doubles.npy": lambda path, side: np.save(path, ramp((side, side, 40), np.float64)),
    "archive.npz": lambda path, side: np.savez(path, ramp((side, side, 40), np.int16)),
    "zipped.zip": zipped,
    "series": series,
    "frames.dcm": lambda path, side: save(enhanced(ramp((1, 40, side, side), np.int16)), path) and None,
    "grey.dcm": dicom(np.uint16, PhotometricInterpretation="MONOCHROME1"),
    "rgb.dcm": dicom(np.uint8, colours="RGB"),
    "ybr.dcm": dicom(np.uint8, colours="YBR_FULL"),
    "rle.dcm": dicom(np.int16, RLELossless),
    "j2k.dcm": dicom(np.uint8, JPEG2000Lossless),
    "j2k-colour.dcm": dicom(np.uint8, JPEG2000Lossless, "RGB"),
    "jpeg-ls.dcm": dicom(np.uint8, JPEGLSLossless),
}  # fmt: skip
