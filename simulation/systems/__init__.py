"""One module a system: its files in its own export layout, from the frames of a slice.

Which faults a system has is in `simulation.faults`; nothing here invents behaviour.
"""
