"""What the scripts use of libpq, as it is in C: sessions, results and text are what libpq gives."""
from ctypes import CDLL, CFUNCTYPE, c_char_p as text, c_int as number, c_void_p as handle

pq = CDLL("libpq.so.5")
receiver = CFUNCTYPE(None, handle, handle)
for name, result, *parameters in (
    ("PQconnectdb", handle, text),
    ("PQfinish", None, handle),
    ("PQerrorMessage", text, handle),
    ("PQtransactionStatus", number, handle),
    ("PQsetNoticeReceiver", handle, handle, receiver, handle),
    ("PQsocket", number, handle),
    ("PQconsumeInput", number, handle),
    ("PQisBusy", number, handle),
    ("PQexec", handle, handle, text),
    ("PQexecParams", handle, handle, text, number, handle, handle, handle, handle, number),
    ("PQcmdStatus", text, handle),
    ("PQgetvalue", text, handle, number, number),
    ("PQresultErrorField", text, handle, number),
    ("PQclear", None, handle),
):
    getattr(pq, name).restype, getattr(pq, name).argtypes = result, parameters
