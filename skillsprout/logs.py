"""What is written to the log, without what nobody but its owner may know."""

import logging
import re

ID = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)


class MaskingFormatter(logging.Formatter):
    """Keeps 8 characters of each UUID: an anonymous profile's id, which stands in addresses, is the right to use it.

    The finished line is masked, so that no logger, argument or traceback is left out.
    """

    def format(self, record: logging.LogRecord) -> str:
        return ID.sub(r"\1…", super().format(record))
