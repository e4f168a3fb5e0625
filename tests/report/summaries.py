"""Synthetic summaries: counts and names made up here, of no real corpus or list."""

from __future__ import annotations

from typing import Any

from brightline.types import Kind, Reason

DIGEST = "sha256:" + "5a" * 32


def full() -> dict[str, Any]:
    """A run with everything recorded, every figure of its own value."""
    return {
        "run": "2031-05-04-landscapes",
        "state": "complete",
        "tool": {"name": "brightline", "version": "9.8.7"},
        "started": "2031-05-04T09:30:00Z",
        "finished": "2031-05-04T12:44:10.250Z",
        "items": 1_234_567,
        "screened": 1_200_000,
        "exact_only": 30_011,
        "skipped": 4_505,
        "failed": 51,
        "reasons": {
            "not_an_image": 29_998,
            "video_or_audio": 13,
            "not_stored": 4_505,
            "undecodable": 42,
            "truncated_image": 9,
        },
        "notes": {"first_frame_only": 317, "luma_plane": 88},
        "matches": {
            "total": 19,
            "items": 17,
            "known_good": 6,
            "by_list": {"north-hotline@2031-04": 15, "south-agency@7": 4, "stock-photos@3": 6},
            "by_signal": {"md5": 5, "pdq": 14},
            "by_distance": {"7": 2, "0": 11, "22": 3, "31": 3},
            "by_via": {"stored bytes": 16, "unpadded crop": 3},
            "by_category": {"A1": 12, "B2": 7},
        },
        "lists": [
            {
                "name": "north-hotline",
                "version": "2031-04",
                "digest": DIGEST,
                "entries": 2_345_678,
                "role": "known-bad",
                "pipeline": "unknown",
                "pdq_threshold": 31,
                "pdq_min_quality": 50,
                "counts": {"md5": 2_000_000, "pdq": 345_678},
            },
            {
                "name": "south-agency",
                "version": "7",
                "digest": DIGEST,
                "entries": 777,
                "role": "known-bad",
                "pipeline": "full",
                "pdq_threshold": 24,
                "pdq_min_quality": 60,
                "counts": {"pdq": 777},
            },
            {
                "name": "stock-photos",
                "version": "3",
                "digest": DIGEST,
                "entries": 909,
                "role": "known-good",
                "pipeline": "full",
                "pdq_threshold": 31,
                "pdq_min_quality": 50,
                "counts": {"sha256": 909},
            },
        ],
        "sources": [
            {
                "path": "/data/landscapes/train",
                "kinds": {"tar": 61, "folder": 2},
                "shards": 63,
                "bytes": 98_765_432_101,
                "manifest_digest": DIGEST,
                "content_digest": DIGEST,
                "items": 1_234_000,
            },
            {
                "path": "/data/landscapes/extra.parquet",
                "kinds": {"parquet": 4},
                "shards": 4,
                "bytes": 123_456,
                "manifest_digest": DIGEST,
                "content_digest": DIGEST,
                "items": 567,
            },
        ],
        "origin": {
            "mode": "all",
            "examined": 900_009,
            "no_evidence": 888_887,
            "claims": {
                "ai_generated": {"crypto_trusted": 1_203, "generator_artifact": 7_321},
                "camera_capture": {"declared_standard": 2_598},
            },
            "contradictions": {"list_match_and_ai_claim": 43},
            "notes": {"metadata_damaged": 65, "c2pa_manifest": 1_299},
            "not_examined": 334_558,
            "not_examined_reasons": {"not_a_picture": 334_551, "too_large": 7},
        },
        "parameters": {
            "orientations": False,
            "max_pixels": 200_000_000,
            "item_seconds": 30.5,
            "engine": "local",
            "limits": {"max_depth": 8},
            "views": ["stored", "exif"],
        },
        "media_types": {"image/jpeg": 1_100_001, "image/png": 99_999, "text/plain": 29_998},
        "pixels": {
            "<0.1 MP": 3_003,
            "0.1–0.5 MP": 800_808,
            "0.5–2 MP": 390_390,
            "2–8 MP": 5_790,
            "≥8 MP": 9,
        },
        "bytes_histogram": {"<10 kB": 41_414, "10–100 kB": 1_000_010, "0.1–1 MB": 158_576},
        "pdq_quality": {
            "0–9": 101,
            "10–19": 102,
            "20–29": 203,
            "30–39": 304,
            "40–49": 405,
            "50–59": 506,
            "60–69": 1_607,
            "70–79": 20_708,
            "80–89": 90_809,
            "90–100": 1_085_255,
        },
        "below_quality": 1_115,
        "reconciliation": {"shards": 61, "rows": 1_238_505, "stored": 1_234_000, "agree": 61},
        "throughput": [
            {"t_s": 100.0 * k, "items": 10_000 * k + 37 * (k % 9), "bytes": 800_000_000 * k}
            for k in range(1, 40)
        ],
        "shards": {"total": 67, "committed": 67},
        "workers": 16,
        "elapsed_s": 11_650.25,
        "limits": ["Known hashes only, as this summary says it."],
    }


def zero() -> dict[str, Any]:
    """Everything screened, nothing within a threshold."""
    made = full()
    made["matches"] = {
        "total": 0,
        "items": 0,
        "known_good": 0,
        "by_list": {},
        "by_signal": {},
        "by_distance": {},
        "by_via": {},
        "by_category": {},
    }
    return made


def nothing_in_it() -> dict[str, Any]:
    """A run over sources that held no items."""
    return {
        "run": "empty",
        "state": "complete",
        "items": 0,
        "screened": 0,
        "exact_only": 0,
        "skipped": 0,
        "failed": 0,
        "reasons": {},
        "matches": {"total": 0, "by_list": {}, "by_signal": {}},
        "lists": [],
        "elapsed_s": 0.0,
    }


def many_lists() -> dict[str, Any]:
    """Sixty lists, most of them with observations."""
    made = full()
    names = [f"list-{k:02d}" for k in range(60)]
    made["lists"] = [
        {"name": name, "version": "1", "digest": DIGEST, "entries": 5_000 + k}
        for k, name in enumerate(names)
    ]
    made["matches"]["by_list"] = {f"{n}@1": 3 * k for k, n in enumerate(names)}
    made["matches"]["total"] = sum(made["matches"]["by_list"].values())
    return made


def many_reasons() -> dict[str, Any]:
    """Every reason that there is, and codes of a later version, two hundred in all."""
    made = full()
    codes = [reason.code for reason in Reason]
    codes += [f"reason_of_later_{k}" for k in range(200 - len(codes))]
    made["reasons"] = {code: 1_000 + k for k, code in enumerate(codes)}
    return made


def huge() -> dict[str, Any]:
    """Counts past 64 bits, and a run of half a year."""
    made = full()
    big = 10**19
    made |= {"items": 4 * big + 10, "screened": big + 1, "exact_only": big + 2}
    made |= {"skipped": big + 3, "failed": big + 4, "elapsed_s": 15_811_200.5}
    made["sources"][0]["bytes"] = 7 * 10**21
    made["media_types"] = {"image/jpeg": 10**18 + 7, "image/webp": 1}
    return made


HOSTILE = (
    "<script>alert(1)</script>",
    "\"&'><img src=https://example.org/x onerror=x>",
    "n" * 300,
    "صور/المناظر الطبيعية",
    "evil\u202egpj.exe\u2066",
    "bell\x07null\x00line\nbreak\u2028sep",
    "lone\udcffsurrogate",
    "{{ 7 * 7 }}{% raw %}",
    "]]></style></title></svg>",
)


def hostile() -> dict[str, Any]:
    """Text from someone's disk in every place that takes text."""
    made = full()
    made["run"] = HOSTILE[0]
    made["sources"] = [
        {"path": text, "kinds": {text: 1}, "manifest_digest": text, "content_digest": text}
        for text in HOSTILE
    ]
    made["lists"] = [
        {"name": t, "version": t, "digest": t, "role": t, "pipeline": t, "counts": {t: 1}}
        for t in HOSTILE
    ]
    each = dict.fromkeys(HOSTILE, 1)
    for key in ("media_types", "pixels", "pdq_quality", "reasons", "notes", "reconciliation"):
        made[key] = dict(each)
    for key in ("by_list", "by_signal", "by_via", "by_category"):
        made["matches"][key] = dict(each)
    made["parameters"] = {text: text for text in HOSTILE}
    made["origin"] = {
        "mode": HOSTILE[0],
        "examined": 9,
        "claims": {text: dict(each) for text in HOSTILE},
        **{key: dict(each) for key in ("contradictions", "notes", "not_examined_reasons")},
    }
    made["limits"] = list(HOSTILE)
    made |= {"started": HOSTILE[1], "finished": HOSTILE[4], "state": HOSTILE[1]}
    made["tool"] = {"name": HOSTILE[0], "version": HOSTILE[6]}
    return made


def incomplete() -> dict[str, Any]:
    """Stopped half way; the items do not add up either."""
    made = zero()
    made |= {"state": "incomplete", "finished": None, "failed": 50}
    made["shards"] = {"total": 67, "committed": 31}
    made["reconciliation"] = {"agree": 30, "differ": 1}
    return made


def gaps(made: dict[str, Any]) -> int:
    """Items with a reason that leaves a gap."""
    codes = {reason.code for reason in Reason if reason.gap}
    return sum(n for code, n in made["reasons"].items() if code in codes)


ALL = {
    "full": full,
    "zero": zero,
    "nothing_in_it": nothing_in_it,
    "nothing_recorded": dict,
    "many_lists": many_lists,
    "many_reasons": many_reasons,
    "huge": huge,
    "hostile": hostile,
    "incomplete": incomplete,
}

KINDS = {kind.value for kind in Kind}
