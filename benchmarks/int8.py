"""INT8 versions against their float32 models: speed in turns on one thread, cosine and AUC on ORL.

    python benchmarks/int8.py DATA_DIR [--rounds N] [--weights FILE] [--json FILE]

DATA_DIR holds ``models`` and ``faces/att_faces`` (ORL, 40 people). A quarter of the ORL faces calibrates, all metrics
are of the others, times are of the one thread, so that other programs do not count. ResNet-50 runs on random seeded
weights unless ``--weights`` names a state dict: its speed does not depend on them; its cosine and AUC do and say
nothing about trained ones.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
from common import argument_parser, parse, processor, write_json
from datasets import orl_crops

from facetrack_ros.models import catalog
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.embedding.projection import Projection
from facetrack_ros.vision.embedding.resnet50_face import Resnet50FaceEmbedder
from facetrack_ros.vision.export.int8 import compare_embedders, int8_contract, quantise_embedder, split_calibration
from facetrack_ros.vision.export.resnet50 import export_resnet50, onnx_contract

BATCHES = (1, 4, 8)


def random_resnet50(folder: Path) -> Path:
    """A state dict of torchvision's ResNet-50 before training, always the same."""
    import torch
    from torchvision.models import resnet50

    torch.manual_seed(0)
    path = folder / "random_resnet50.pth"
    torch.save(resnet50(weights=None).state_dict(), path)
    return path


def resnet50_graph(weights: Path, folder: Path, projection: Projection | None = None) -> tuple[Path, OnnxFaceEmbedder]:
    """ResNet-50 exported, its batch open, with a projection behind it if there is one."""
    model = resolve(f"{catalog.RESNET50.id}={weights}")
    contract = onnx_contract(model.contract)
    path = folder / "resnet50.onnx"
    export_resnet50(Resnet50FaceEmbedder(model.path, model.contract, device="cpu"), projection, contract, path)
    return path, OnnxFaceEmbedder(path, contract)


def times(embedders: tuple[OnnxFaceEmbedder, ...], crops: np.ndarray, batch: int, rounds: int) -> list[np.ndarray]:
    """Milliseconds of each call, the models in turns."""
    taken = [np.empty(rounds) for _ in embedders]
    for call in range(-2, rounds):
        faces = crops[[(call + 2) * batch % len(crops) - row for row in range(batch)]]
        for embedder, column in zip(embedders, taken):
            start = time.thread_time()
            embedder.embed_crops(faces)
            if call >= 0:
                column[call] = (time.thread_time() - start) * 1e3
    return taken


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--weights", type=Path)
    arguments = parse(parser)
    results = {"processor": processor(), "models": {}}
    print(f"{results['processor']}, one thread, float32 and INT8 in turns, medians of {arguments.rounds} calls")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mobile = resolve(catalog.MOBILEFACENET.id)
        mobilefacenet = OnnxFaceEmbedder(mobile.path, mobile.contract)
        weights = arguments.weights or random_resnet50(folder)
        kind = "its own weights" if arguments.weights else "random weights"
        models = {
            "mobilefacenet_foamliu": (mobile.path, mobilefacenet),
            f"ResNet-50 ({kind})": resnet50_graph(weights, folder),
        }
        crops = orl_crops(arguments.data, mobilefacenet)
        calibration, held_out = split_calibration(crops)
        print(f"ORL: {len(crops)} faces, {len(calibration)} calibrate, {len(held_out)} check\n")
        for name, (path, float32) in models.items():
            results["models"][name] = row = {}
            for bits in (8, 7):
                target = folder / f"int{bits}_{path.name}"
                quantise_embedder(path, float32, calibration, target, reduce_range=bits == 7)
                int8 = OnnxFaceEmbedder(target, int8_contract(float32.contract))
                row[f"weights of {bits} bits"] = measured = {}
                found = compare_embedders(float32, int8, held_out)
                print(
                    f"{name}, weights in {bits} bits: mean cosine {found.cosines.mean():.4f}, lowest "
                    f"{found.cosines.min():.4f}, AUC {found.auc[0]:.5f} -> {found.auc[1]:.5f}, "
                    f"{path.stat().st_size / 1e6:.1f} -> {target.stat().st_size / 1e6:.1f} MB"
                )
                measured.update(
                    mean_cosine=float(found.cosines.mean()),
                    lowest_cosine=float(found.cosines.min()),
                    auc_float32=found.auc[0],
                    auc_int8=found.auc[1],
                    ms={},
                )
                for batch in BATCHES:
                    rounds = max(10, arguments.rounds // batch)
                    before, after = times((float32, int8), held_out.crops, batch, rounds)
                    ratios = np.sort(before / after)
                    print(
                        f"  {batch} face{'s' if batch > 1 else ' '}: {np.median(before):7.2f} -> "
                        f"{np.median(after):6.2f} ms, {np.median(before) / np.median(after):.2f} times as fast "
                        f"(call by call {ratios[len(ratios) // 10]:.2f} to {ratios[-len(ratios) // 10]:.2f})"
                    )
                    measured["ms"][batch] = [float(np.median(before)), float(np.median(after))]
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
