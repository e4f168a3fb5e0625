"""What goes to a hotline or agency: case files, reports, their submission, clocks, packages.

A case file is drafted from opened findings and sealed again. It becomes a CyberTipline report
(`submit`) or a signed bundle (`package`). People review; nothing here decides.
"""

from __future__ import annotations
