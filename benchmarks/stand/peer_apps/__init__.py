"""What people use today to send mail by Celery, each as its documentation has it: Celery apps for `-A`."""
