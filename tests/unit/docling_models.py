"""Docling's own models in miniature: the right architectures and files, with weights drawn at random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LAYOUT = "docling-project--docling-layout-heron"
TABLES = "docling-project--docling-models/model_artifacts/tableformer/accurate"
# The classes of heron, in its order.
CLASSES = (
    "Caption", "Footnote", "Formula", "List-item", "Page-footer", "Page-header", "Picture", "Section-header",
    "Table", "Text", "Title", "Document Index", "Code", "Checkbox-Selected", "Checkbox-Unselected", "Form",
    "Key-Value Region",
)  # fmt: skip
TAGS = (
    "<pad>",
    "<unk>",
    "<start>",
    "<end>",
    "ecel",
    "fcel",
    "lcel",
    "ucel",
    "xcel",
    "nl",
    "ched",
    "rhed",
    "srow",
)


def write_models(folder: Path) -> Path:
    """Write a folder as `artifacts_path` takes it: heron (RT-DETR v2) and TableFormer."""
    import torch

    torch.manual_seed(7)
    _write_layout(folder / LAYOUT)
    _write_tables(folder / TABLES)
    return folder


def _write_layout(folder: Path) -> None:
    import torch
    from transformers import (
        RTDetrImageProcessor,
        RTDetrResNetConfig,
        RTDetrV2Config,
        RTDetrV2ForObjectDetection,
    )

    names = [name.lower().replace("-", "_").replace(" ", "_") for name in CLASSES]
    backbone = RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = RTDetrV2Config(
        backbone_config=backbone,
        encoder_in_channels=[8, 16, 16],
        encoder_hidden_dim=32,
        encoder_ffn_dim=32,
        encoder_attention_heads=4,
        d_model=32,
        decoder_in_channels=[32, 32, 32],
        decoder_ffn_dim=32,
        decoder_attention_heads=4,
        decoder_layers=2,
        num_queries=8,
        num_denoising=0,
        id2label=dict(enumerate(names)),
        label2id={name: number for number, name in enumerate(names)},
    )
    model = RTDetrV2ForObjectDetection(config)
    with torch.no_grad():
        for head in (*model.model.decoder.class_embed, model.model.enc_score_head):
            head.bias.fill_(-6.0)
            head.bias[names.index("table")] = 3.0  # so that the other model has something to do
    folder.mkdir(parents=True)
    model.save_pretrained(folder, safe_serialization=True)
    RTDetrImageProcessor(size={"height": 320, "width": 320}).save_pretrained(folder)


def _write_tables(folder: Path) -> None:
    from docling_ibm_models.tableformer.models.table04_rs.tablemodel04_rs import TableModel04_rs
    from safetensors.torch import save_model

    config: dict[str, Any] = {
        "dataset": {
            "image_normalization": {"state": True, "mean": [0.9, 0.9, 0.9], "std": [0.2, 0.2, 0.2]},
            "resized_image": 448,
        },
        "model": {
            "type": "TableModel04_rs",
            "name": "miniature",
            "save_dir": "",
            "enc_image_size": 28,
            "tag_embed_dim": 16,
            "hidden_dim": 512,
            "tag_decoder_dim": 512,
            "bbox_embed_dim": 16,
            "tag_attention_dim": 16,
            "bbox_attention_dim": 16,
            "enc_layers": 1,
            "dec_layers": 1,
            "nheads": 8,
            "dropout": 0.1,
            "bbox_classes": 2,
        },
        "train": {"bbox": True},
        "predict": {"max_steps": 12, "beam_size": 1, "bbox": True, "pdf_cell_iou_thres": 0.05},
        "dataset_wordmap": {
            "word_map_tag": {tag: number for number, tag in enumerate(TAGS)},
            "word_map_cell": {},
        },
    }
    folder.mkdir(parents=True)
    model = TableModel04_rs(config, {"word_map": config["dataset_wordmap"]}, "cpu")
    save_model(model, str(folder / "tableformer_accurate.safetensors"))
    (folder / "tm_config.json").write_text(json.dumps(config), encoding="utf-8")
