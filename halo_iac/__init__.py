"""HALO schedules as code: load → observe → match → resolve → diff → plan → apply.

Each word is a module, or a package, with one public function of that name:

- ``load``     project files → :class:`~halo_iac.model.project.Project`, or every problem at once
- ``observe``  the platform → :class:`~halo_iac.model.remote.PlatformState`: its schedules and agents
- ``match``    which schedule of the platform is which declared one
- ``resolve``  agent names → agent ids, or the reason why not
- ``diff``     a matched pair → its field changes
- ``plan``     pairs, changes and policy → :class:`~halo_iac.model.plan.Plan`, which is data
- ``apply``    a plan, carried out → events

``pipeline`` runs the stages up to the plan in order. Besides them, ``base_comparison`` compares a plan with the base of
a branch, ``findings`` runs the lint rules, and ``undo`` plans how to revert what a receipt records. ``importing`` and
``yaml_edit`` write project files, ``runs`` starts one-off runs and fetches their reports, ``fire_times`` and
``preview`` say when schedules fire.

``render`` turns what any of them returns into text; ``cli`` is the only part that prints; ``storage`` writes the files
that are halo's own. ``model`` holds the values they all share. ``api`` is the client of the platform, and ``sandbox`` a
small platform to test against. docs/architecture.md has the whole layout.
"""

__version__ = "0.1.0"
