"""Settings that are tried: the family's own where one trial is asked for, else a seeded search whose every trial is told and
counted; what learns too slowly is cut short against the median of those before it."""
import math

from .protocol import Refused, say


def search(family, parts, job):
    trials = []
    defaults = job.request["settings"]
    wanted = job.request["trials"]

    def tell(number, settings, loss, state):
        trial = {"number": number, "settings": settings, "loss": loss, "state": state}
        trials.append(trial)
        say("trial", **trial)

    if wanted <= 1:
        model = checked(family.fit(parts, defaults, job, None))
        tell(0, model.settings, model.loss, "complete")
        return model, trials

    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    best = None
    study = optuna.create_study(
        direction="minimize",
        sampler=optuna.samplers.TPESampler(seed=job.seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3),
    )
    # The defaults are the first of them: a search is never worse than no search.
    for number in range(wanted):
        trial = study.ask()
        settings = defaults if number == 0 else {**defaults, **family.space(trial, defaults)}
        try:
            model = checked(family.fit(parts, settings, job, trial if number > 0 else None))
        except optuna.TrialPruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            tell(number, settings, None, "pruned")
            continue
        except Refused as refused:
            # Numbers that run away are the end of this setting, and counted; what is wrong with the data ends the search.
            if refused.code != "model.not_finite":
                raise
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            tell(number, settings, None, "failed")
            continue
        study.tell(trial, model.loss)
        tell(number, model.settings, model.loss, "complete")
        if best is None or model.loss < best.loss:
            best = model
    if best is None:
        raise Refused("model.not_finite", f"none of {wanted} settings gave a loss that is a number")
    return best, trials


def checked(model):
    if not math.isfinite(model.loss):
        raise Refused("model.not_finite", "the loss is no number")
    return model
