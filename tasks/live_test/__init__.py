"""A test that a worker makes for whoever waits for it: the mechanism, whatever is tested.

Whoever asks leaves a *draft* in Redis, for a minute and sealed, and a Celery task that carries its id alone.
The first worker with a free slot takes the draft away, so that no test is ever made twice, and writes the
*report* into Redis after every step, where whoever asked reads how it goes.
"""
