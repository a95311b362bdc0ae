"""Files that prove a claim: taken only as pictures, and kept as what we decoded, never as they came (invariant I23)."""

import hashlib
import io
import warnings
from pathlib import PurePath
from uuid import uuid4

from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from PIL import Image, UnidentifiedImageError

from amends.desk import clock
from amends.desk.audit.actions import record
from amends.desk.cases import tasks
from amends.desk.cases.answering import (
    NotPossibleError,
    Speaker,
    decide_again,
    demand_undecided,
    lock_survivor,
)
from amends.desk.cases.models import Case, Evidence, RequestKind, TaskKind
from amends.desk.unit_of_work import unit_of_work

FILE_BYTES_MAX = 10 * 1024 * 1024
PIXELS_MAX = 25_000_000
FILES_MAX = 20
"""In one case."""
NAME_LENGTH_MAX = 200
_FORMATS = {"PNG": ("png", "image/png"), "JPEG": ("jpg", "image/jpeg"), "WEBP": ("webp", "image/webp")}


class RefusedFileError(Exception):
    """The file is not taken; the message says why and what to send instead."""


def add_evidence(case: Case, speaker: Speaker, name: str, content: bytes) -> Evidence:
    """Keep a picture, have somebody judge it, and decide again with it; where the request goes on, if it was merged.

    Idempotent: the same picture once in a case.
    Raises: RefusedFileError, NotPossibleError: nothing was written.
    """
    fresh, kind = reencode(content)
    extension, media_type = _FORMATS[kind]
    sha256 = hashlib.sha256(content).hexdigest()
    with unit_of_work():
        case = lock_survivor(case)
        known = Evidence.objects.filter(case=case, sha256=sha256).first()
        if known is not None:
            return known
        demand_undecided(case)
        if Evidence.objects.filter(case=case).count() >= FILES_MAX:
            raise NotPossibleError(_("A case takes at most %(n)s files.") % {"n": FILES_MAX})
        kept = Evidence.objects.create(
            case=case,
            file=ContentFile(fresh, name=f"{uuid4().hex}.{extension}"),
            name=PurePath(name).name[:NAME_LENGTH_MAX],
            media_type=media_type,
            sha256=sha256,
            uploaded_at=clock.now(),
        )
        record(f"case:{case.id}", speaker.actor, "evidence_received", evidence=str(kept.id), sha256=sha256)
        if case.request == RequestKind.TECHNICAL:
            tasks.give(
                case,
                TaskKind.JUDGE_EVIDENCE,
                gettext_noop("Please look at %(file)s"),
                file=kept.name or kept.sha256,
            )
        decide_again(case)
    return kept


def reencode(content: bytes) -> tuple[bytes, str]:
    """The picture in a file, written afresh, and its format: without metadata, and without anything that follows it.

    Raises: RefusedFileError: it is not one picture that we take.
    """
    if not content:
        raise RefusedFileError(_("The file is empty. Send the picture again."))
    if len(content) > FILE_BYTES_MAX:
        raise RefusedFileError(_("The file is larger than 10 MB. Send a smaller picture."))
    try:
        with warnings.catch_warnings(action="error"):
            return _write_afresh(content)
    except UnidentifiedImageError as error:
        raise RefusedFileError(
            _("The file is no picture that we can read. Send a PNG, JPEG or WebP.")
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RefusedFileError(_(_TOO_MANY_PIXELS)) from error
    except (OSError, ValueError, SyntaxError, Warning) as error:
        raise RefusedFileError(
            _("The picture is damaged or cut off. Send it again, or a screenshot.")
        ) from error


_TOO_MANY_PIXELS = gettext_noop("The picture has more than 25 million pixels. Send a smaller one.")


def _write_afresh(content: bytes) -> tuple[bytes, str]:
    with Image.open(io.BytesIO(content), formats=list(_FORMATS)) as picture:
        if picture.width * picture.height > PIXELS_MAX:
            raise RefusedFileError(_(_TOO_MANY_PIXELS))
        if getattr(picture, "n_frames", 1) > 1:
            raise RefusedFileError(_("The picture moves. Send a single frame, such as a screenshot."))
        picture.load()
        kind = str(picture.format)
        mode = "RGB" if kind == "JPEG" else "RGBA" if "A" in picture.getbands() else "RGB"
        fresh = io.BytesIO()
        plain = Image.frombytes(mode, picture.size, picture.convert(mode).tobytes())
        plain.save(fresh, kind)
    return fresh.getvalue(), kind
