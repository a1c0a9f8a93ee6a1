"""The content of ``halo page``: schedules of project files, their fires, and the traces that their runs analyse.

``timeline`` has a period of days, the fires in it and how often each moment is analysed; ``history`` the past runs and
reports; ``contents`` combines them with the declared schedules and, if read, the platform's state. Everything here is
pure; ``render/html`` renders it (docs/page.md).
"""

from halo_iac.page.contents import Page, PlatformInput, ProjectInput, build_page

__all__ = ["Page", "PlatformInput", "ProjectInput", "build_page"]
