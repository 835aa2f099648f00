"""Studies of other fields, a module for each kind. Nothing is imported before a study is opened."""

#: kind in the config -> module and class
STUDIES = {
    "pde": ("limbeck.studies.kinds.pde", "Pde"),
    "kepler": ("limbeck.studies.kinds.kepler", "Kepler"),
    "linear": ("limbeck.studies.kinds.linear", "Linear"),
    "ode": ("limbeck.studies.kinds.ode", "Ode"),
    "integral": ("limbeck.studies.kinds.integral", "Integral"),
    "eigen": ("limbeck.studies.kinds.eigen", "Eigen"),
}
