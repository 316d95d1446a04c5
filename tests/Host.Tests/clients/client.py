"""A payout's life through an independent Thrift implementation; prints what it is answered, a line each."""
import sys

sys.path.insert(0, sys.argv[2])

from thrift.protocol import TBinaryProtocol
from thrift.transport import THttpClient, TTransport

from domain.ttypes import Cash, CurrencyRef
from payout_manager import PayoutManagement
from payout_manager.ttypes import InsufficientFunds, NotFound, PayoutAlreadyExists, PayoutParams, ShopParams
from base.ttypes import InvalidRequest

http = THttpClient.THttpClient(sys.argv[1])
transport = TTransport.TBufferedTransport(http)
client = PayoutManagement.Client(TBinaryProtocol.TBinaryProtocol(transport, strictRead=True, strictWrite=True))
transport.open()


def status(payout):
    return next(name for name, value in vars(payout.status).items() if value is not None)


def create(id, amount=100_000, shop="shop-1"):
    return client.CreatePayout(PayoutParams(ShopParams("party-1", shop), Cash(amount, CurrencyRef("RUB")), id))


def show(what, call):
    try:
        print(what, call())
    except InvalidRequest as e:
        print(what, "InvalidRequest", e.errors)
    except NotFound as e:
        print(what, "NotFound", e.message)
    except (InsufficientFunds, PayoutAlreadyExists) as e:
        print(what, type(e).__name__)
    except Exception as e:
        print(what, "HTTP", http.code, http.headers.get("woody.error-class"))


def facts(payout):
    return f"{payout.payout_id} {status(payout)} {payout.amount} {payout.fee} {len(payout.cash_flow)}"


show("create", lambda: facts(create("python-1")))
show("create", lambda: facts(create("python-1")))
show("create", lambda: facts(create("python-2", amount=0)))
show("create", lambda: facts(create("", shop="")))
show("create", lambda: facts(create("python-3", shop="gone")))
show("get", lambda: facts(client.GetPayout("python-1")))
show("get", lambda: facts(client.GetPayout("gone")))
show("confirm", lambda: client.ConfirmPayout("python-1"))
show("cancel", lambda: client.CancelPayout("python-1", "вернули"))
show("get", lambda: client.GetPayout("python-1").status.cancelled.details)
show("confirm", lambda: client.ConfirmPayout("python-1"))
