"""HALO schedules as code: load → observe → match → resolve → diff → plan → apply.

Each word is a module, or a package, with one public function of that name:

- ``load``     project files → :class:`~halo_iac.model.project.Project`, or every problem at once
- ``observe``  the platform → :class:`~halo_iac.model.remote.PlatformState`: its schedules and agents
- ``match``    which schedule of the platform is which declared one
- ``resolve``  agent names → agent ids, or the reason why not
- ``diff``     a matched pair → its field changes
- ``plan``     pairs, changes and policy → :class:`~halo_iac.model.plan.Plan`, which is data
- ``apply``    a plan, carried out → events

Beside the sentence stand ``branch``, which holds a plan against the base of a branch, ``findings``, which says what is
odd about a schedule, and ``undo``, which plans the way back from a receipt. ``adopt`` and ``edit`` write project files,
``runs``, ``reports`` and ``pull`` make and fetch reports, ``fires`` and ``preview`` say when schedules fire.

``pipeline`` repeats the sentence as code; ``render`` draws what any of them returns; ``cli`` is the only part that
prints. ``model`` holds the nouns. ``api`` speaks to the platform and ``sandbox`` is a small platform of our own.
"""

__version__ = "0.1.0"
