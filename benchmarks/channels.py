"""Best channel on the simulated market: what each rule loses against knowing everybody's true effect.

Prints regrets; the market's truth is used for judging only.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.uplift.simulated import OUTCOME_DAYS, sends_of
from ml.channels import ChannelConfig, ChannelInputs, estimate_channels

COSTS = {"email": 0.002, "sms": 0.06}
_PRIOR_MESSAGES = 5.0


def regrets(
    folder: Path, seed: int, share_of_history: float = 0.8
) -> list[tuple[str, float, float]]:
    """
    Return rules with the net value of a message and the share of the oracle's gain they reach.

    The gain is over the best single channel for everybody. Judged are customers who were sent both
    channels; history is the first part of the campaigns.
    """
    sends = sends_of(folder)
    campaigns = np.sort(sends["campaign_id"].unique())
    cut = campaigns[int(share_of_history * len(campaigns))]
    as_of = sends.loc[sends["campaign_id"] >= cut, "sent_at"].min().date()
    before = sends[sends["campaign_id"] < cut]
    truth = sends.groupby(["customer_id", "channel"])["true_effect"].first().unstack()
    truth = truth.dropna()
    truth.index = truth.index.astype(str)
    config = ChannelConfig(outcome_days=OUTCOME_DAYS, exploration_share=0.0)
    net = truth * config.value_per_conversion - pd.Series(COSTS)
    messages = before.assign(
        customer_id=before["customer_id"].astype(str), is_held_out=~before["is_treated"]
    )
    allowed = truth.reset_index().melt(id_vars="customer_id")[["customer_id", "channel"]]
    costs = pd.DataFrame({"channel": list(COSTS), "unit_cost": list(COSTS.values())})
    none = pd.DataFrame()
    columns = ["customer_id", "channel", "sent_at", "has_converted", "is_held_out"]

    def chosen_by(frame: pd.DataFrame) -> pd.Series:
        inputs = ChannelInputs(frame, allowed, costs, none, none)
        best = estimate_channels(inputs, as_of, seed=seed, config=config).best()
        return best.set_index("customer_id")["best_channel"].astype(str).reindex(net.index)

    rules = {
        "ours, with held-out customers": chosen_by(messages[columns]),
        "ours, purchases after messages": chosen_by(
            messages.loc[messages["is_treated"], columns[:-1]]
        ),
        "response share, 5 messages prior": _response_share(messages, net.index),
        "e-mail for everybody": pd.Series("email", index=net.index),
        "SMS for everybody": pd.Series("sms", index=net.index),
    }
    best = float(net.max(axis=1).mean())
    plain = float(net.mean().max())
    lines = [("oracle", best, 1.0)]
    place = {name: number for number, name in enumerate(net.columns)}
    for name, choice in rules.items():
        column = choice.map(place).to_numpy(dtype=np.int64)
        value = float(net.to_numpy()[np.arange(len(net)), column].mean())
        lines.append((name, value, (value - plain) / (best - plain)))
    return lines


def _response_share(messages: pd.DataFrame, ids: pd.Index) -> pd.Series:
    """Return the channel with the largest share of answered messages, as the warehouse does now."""
    sent = messages[messages["is_treated"]]
    shares = {}
    for channel, part in sent.groupby("channel"):
        base = float(part["has_converted"].mean())
        counts = part.groupby("customer_id")["has_converted"].agg(["sum", "size"]).reindex(ids)
        counts = counts.fillna(0)
        shares[str(channel)] = (counts["sum"] + _PRIOR_MESSAGES * base) / (
            counts["size"] + _PRIOR_MESSAGES
        )
    return pd.DataFrame(shares).idxmax(axis=1)


def main(arguments: list[str] | None = None) -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.channels", description=__doc__)
    parser.add_argument("--simulation", type=Path, required=True, help="truth folder of a market")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        lines = regrets(options.simulation, options.seed)
    except FileNotFoundError as error:
        parser.error(str(error))
    best = lines[0][1]
    print(f"  {'channel by':<34}{'net value':>10}{'regret':>10}{'of the gain':>13}")
    for name, value, share in lines:
        print(f"  {name:<34}{value:>10.4f}{best - value:>10.4f}{share:>13.1%}")


if __name__ == "__main__":
    main()
