"""Trades to one-minute candles through NautilusTrader's DataEngine, as its own backtests run it: prints trades a second of
processor time. Trades are made, as its objects, before the clock starts."""

import sys
import time

from nautilus_trader.backtest.data_client import BacktestMarketDataClient
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.data.messages import SubscribeBars
from nautilus_trader.model.data import BarType, TradeTick
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import ClientId, TradeId, TraderId, Venue
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider

TRADES = int(sys.argv[1])
PER_MINUTE = 2000
MINUTE = 60_000_000_000

clock = TestClock()
bus = MessageBus(trader_id=TraderId("BENCH-001"), clock=clock)
cache = Cache()
engine = DataEngine(msgbus=bus, cache=cache, clock=clock)
instrument = TestInstrumentProvider.btcusdt_binance()
cache.add_instrument(instrument)

start = 1_767_225_600_000_000_000
ticks = [
    TradeTick(
        instrument.id,
        Price(100_000 + (i * 7919 % 2000) / 100, 2),
        Quantity(0.01 + (i % 97) / 1000, 6),
        AggressorSide.BUYER if i % 2 else AggressorSide.SELLER,
        TradeId(str(i)),
        start + i * MINUTE // PER_MINUTE,
        start + i * MINUTE // PER_MINUTE,
    )
    for i in range(TRADES)
]

bar_type = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-INTERNAL")
bars = []
bus.subscribe(topic=f"data.bars.{bar_type}", handler=bars.append)
clock.set_time(start - 1)
engine.register_client(BacktestMarketDataClient(ClientId("BINANCE"), bus, cache, clock))
engine.start()
engine.execute(
    SubscribeBars(
        client_id=None,
        venue=Venue("BINANCE"),
        bar_type=bar_type,
        command_id=UUID4(),
        ts_init=start,
    )
)

began = time.process_time()
for tick in ticks:
    for event in clock.advance_time(tick.ts_init):
        event.handle()
    engine.process(tick)
took = time.process_time() - began
if len(bars) < TRADES // PER_MINUTE - 1:
    raise SystemExit(f"only {len(bars)} candles came out")
print(TRADES / took)
