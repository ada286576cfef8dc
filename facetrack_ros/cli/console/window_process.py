"""The process of a window that shows pictures from its standard input. Needs nothing but Python with tkinter.

A picture is the lengths of its name and of its data (``>HI``), the name, and the data as PPM. The process writes
``ready`` once there is a window, and ends when that is closed or the input ends.
"""

import struct
import sys
import threading
from typing import BinaryIO

HEAD = struct.Struct(">HI")
# How often new pictures are shown, milliseconds.
_PERIOD_MS = 15


def main(title: str, names: list[str]) -> None:
    """Show the pictures.

    :param title: of the window.
    :param names: of the pictures, each with a place in the window.
    """
    import tkinter

    root = tkinter.Tk()
    root.title(title)
    root.configure(background="black")
    columns = round(len(names) ** 0.5 + 0.49)
    places = {}
    for number, name in enumerate(names):
        places[name] = tkinter.Label(root, text=f"{name}: no frame yet", foreground="white", background="black")
        places[name].grid(row=number // columns, column=number % columns)
    newest: dict[str, bytes] = {}
    over = threading.Event()
    threading.Thread(target=_read, args=(sys.stdin.buffer, newest, over), daemon=True).start()
    shown = {}

    def show() -> None:
        if over.is_set():
            root.destroy()
            return
        for name in names:
            data = newest.pop(name, None)
            if data is not None:
                shown[name] = tkinter.PhotoImage(data=data, format="PPM")
                places[name].configure(image=shown[name])
        root.after(_PERIOD_MS, show)

    root.update()
    print("ready", flush=True)
    show()
    root.mainloop()


def _read(stream: BinaryIO, newest: dict[str, bytes], over: threading.Event) -> None:
    while len(head := stream.read(HEAD.size)) == HEAD.size:
        name_bytes, data_bytes = HEAD.unpack(head)
        name, data = stream.read(name_bytes).decode(), stream.read(data_bytes)
        newest[name] = data
    over.set()


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except ImportError as error:
        sys.exit(f"Python has no tkinter ({error}): install python3-tk")
    except Exception as error:  # one of tkinter, which may be missing
        sys.exit(str(error) or type(error).__name__)
